"""Tests in processes of their own."""
