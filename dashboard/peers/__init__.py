"""How is an action done in the worker that holds its workspace's transaction, whichever worker was asked?

Each module is one step: asking, sending, listener, answering."""
