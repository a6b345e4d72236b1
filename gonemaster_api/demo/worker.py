"""A worker process of the demo, which treats the network of the demo as global."""

from gonemaster_api.demo.network import run

if __name__ == "__main__":
    run("gonemaster_tasks.worker")
