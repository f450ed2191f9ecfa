"""What the vendor says and what it means: causes and commands in words, and its words in their spellings."""
