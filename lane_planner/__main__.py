"""`python -m lane_planner`: the same as the `lane-planner` script."""

from lane_planner.cli.main import main

if __name__ == "__main__":
    main()
