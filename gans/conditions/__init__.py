"""Where a condition comes from, and how `where` fixes it at sampling."""
