"""Reading what data sets publish beside their images: text, tables, JSON, MATLAB, landmarks."""
