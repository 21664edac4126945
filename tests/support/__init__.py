"""What the tests of several folders share: the emulator to steer, a clock, tokens, ways to run the provider.

The control client is the emulator's own, `aep_provider.emulator.Control`.
"""
