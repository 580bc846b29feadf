"""The same picture in two parts of the data: found, and taken out of the training part."""
