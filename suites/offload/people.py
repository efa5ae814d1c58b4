"""First names for invented people."""

FIRST = tuple(
    "Anna Bruno Carla David Elena Farid Grace Henrik Ines Jonas Keiko Luis Marta Nadia Omar Paula Quentin Ravi "
    "Sofia Tomas Uma Vera Wanda Yusuf".split()
)
