"""Code that every tab uses: shared objects, running jobs, HTML, theme, base of the plots."""
