"""Running lessons: storing their outputs, comparing them with what is stored, drawing their figures."""
