"""ModelTrainer: TFX's Trainer that also reads the catalogue."""
