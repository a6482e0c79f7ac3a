"""Parts of the page that every tab uses: the frame, running jobs, markup, theme, base of the plots."""
