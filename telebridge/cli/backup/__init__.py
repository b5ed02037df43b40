"""`telebridge database`: backups and restored databases."""
