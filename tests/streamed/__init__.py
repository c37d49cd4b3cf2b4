"""What riskwave/risingwave decides without a server; tests/risingwave has the tests on one."""
