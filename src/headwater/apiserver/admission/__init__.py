"""Admission: plugins that may change or refuse a write."""
