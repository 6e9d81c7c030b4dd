"""One worker: takes calls, bridges caller and model, keeps a call alive, tells what it heard."""
