"""A worker process of the demo, which treats the network of the demo as global."""

from deploy.demo.network import run

run("gonemaster_tasks.worker")
