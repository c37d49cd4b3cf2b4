"""The app in which people work: Streamlit over the API, and over nothing else."""
