"""From event logs to one row a customer: reading and checking logs, the features, the plan that DuckDB runs."""
