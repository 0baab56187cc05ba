"""``python -m quantunet_hls``: the same as the command ``quantunet-hls``."""

from quantunet_hls.cli import main

if __name__ == "__main__":
    main()
