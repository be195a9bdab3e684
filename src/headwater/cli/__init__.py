"""Commands: parse, call, print. Heavy imports happen inside commands, so that help is instant."""
