"""The demo company: pure, seeded generators, and one loader that sends its books through the same door as any file."""
