"""Measurements that anyone can repeat; `make bench` takes them all."""
