"""DataPreparation: checks the tables of a data folder where no command line did."""
