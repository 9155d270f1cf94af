"""What trains and answers: `engine` is the seam, each folder beside it an engine."""
