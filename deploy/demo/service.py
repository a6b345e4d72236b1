"""`gonemaster-server` for the demo: its processes treat the network of the demo as global."""

from deploy.demo.network import run
from gonemaster_api.server.supervisor import programs

programs.SERVER, programs.WORKER = "deploy.demo.service", "deploy.demo.worker"
run("gonemaster_api.server")
