"""Charts as PNG, and plotly's figures with a picture beside them: of prices, failovers and gaps."""
