"""`gonemaster-server` for the demo: its processes treat the network of the demo as global."""

from gonemaster_api.demo.network import run
from gonemaster_api.server.supervisor import programs

if __name__ == "__main__":
    programs.SERVER, programs.WORKER = "gonemaster_api.demo.service", "gonemaster_api.demo.worker"
    run("gonemaster_api.server")
