"""One section of the report a file: a result in, blocks out; no layout and no drawing."""
