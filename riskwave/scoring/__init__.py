"""The scoring model: trained from history, exported to ONNX, kept in a registry."""
