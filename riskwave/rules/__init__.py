"""Rules as text: packs, the language and its checker, the compiler to SQL, and a plain reference."""
