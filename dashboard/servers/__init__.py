"""What does the database itself say of our connections: what each does, what it waits for, who blocks it?"""
