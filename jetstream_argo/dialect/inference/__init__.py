"""What SQL says about the types of the columns that it reads."""
