"""Graph and tables to text: PyTorch source, diagrams, reports, specs, schemas."""
