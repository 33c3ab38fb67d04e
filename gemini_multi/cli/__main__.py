"""`python -m gemini_multi.cli`."""

from gemini_multi.cli import main

if __name__ == "__main__":
    main()
