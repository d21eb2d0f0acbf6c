"""What a lesson is: its format, how it is read, stored and judged without being run."""
