"""Parts that analyses share: requests, rows, results, documents, tables."""
