"""The pages that people see in a browser; nothing here touches jobs, whose scripts ask the API like every program."""
