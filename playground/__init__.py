"""Steering Playground: find, apply and judge steering vectors of causal language models."""
