"""Gibbs sampling: from data to a posterior."""
