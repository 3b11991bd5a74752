"""One section of the report a file, a result in and blocks out; no layout, no drawing, no other section."""
