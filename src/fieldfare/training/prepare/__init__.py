"""What training needs before its first epoch."""
