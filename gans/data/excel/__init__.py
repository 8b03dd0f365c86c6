"""Workbooks of Excel, read by calamine and written by XlsxWriter."""
