"""Streaming RTL: from the typed network to Verilog, simulated, mapped, placed and routed without vendor tools.

The way of a network through this package:

====================  ==========================================================================
:mod:`.backend`       hls4ml's backend plug-in ``StreamingRTL``
:mod:`.project`       the whole way for one network; its files lie where :mod:`.folder` says
:mod:`.lower`         typed network to stream graph (:mod:`quantunet_hls.ops.streaming`)
:mod:`.fold`          lanes, PE and SIMD for a goal, what each layer multiplies with, and what that takes of a board
:mod:`.reference`     the stream graph on integers, with numpy
:mod:`.generate`      Verilog, one file a layer, and the top with FIFOs and forks
:mod:`.simulate`      Verilator: cycles, fills, deadlocks, traces; the mapped netlist, each layer alone
:mod:`.synthesize`    Yosys, layer by layer, kept by content; the longest path through logic
:mod:`.place`         the part family's own place and route
:mod:`.integrate`     AXI around the top, packaged IP, Vivado where it is installed, and a whole board with its host
:mod:`.report`        figures in the package's report schema
====================  ==========================================================================

Nothing here is imported with the package: Amaranth and the tools belong to the
extra ``rtl``.
"""
