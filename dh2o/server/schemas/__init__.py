"""The schemas of requests and answers, one module by noun."""
