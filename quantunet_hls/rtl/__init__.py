"""Streaming RTL: from hls4ml's ModelGraph to Verilog, simulated, mapped, placed and routed without vendor tools.

The way of a network through this package:

====================  ==========================================================================
:mod:`.backend`       hls4ml's backend plug-in ``StreamingRTL``
:mod:`.project`       the whole way for one converted model, of this or the Vitis backend
:mod:`.lower`         ModelGraph to stream graph
:mod:`.graph`         the stream graph: layers, types, integer weights, folding
:mod:`.fold`          lanes, PE and SIMD for a goal, what each layer multiplies with, and what that takes of a board
:mod:`.reference`     the stream graph on integers, with numpy
:mod:`.components`    window generator, matrix-vector unit, pooling, adapters, in Amaranth
:mod:`.generate`      Verilog, one file a layer, and the top with FIFOs and forks
:mod:`.simulate`      Verilator: cycles, fills, deadlocks, traces; the mapped netlist, each layer alone
:mod:`.synthesize`    Yosys, layer by layer, kept by content; the longest path through logic
:mod:`.place`         nextpnr and ecppack for Lattice ECP5
:mod:`.integrate`     AXI around the top, packaged IP, Vivado where it is installed, and a whole board with its host
:mod:`.report`        figures in the package's report schema
====================  ==========================================================================

Nothing here is imported with the package: Amaranth and the tools belong to the
extra ``rtl``.
"""
