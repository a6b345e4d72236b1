"""HTTP/1.1 connections: requests are read and responses are written without a thread that waits for the client."""
