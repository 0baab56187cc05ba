"""Streaming RTL: from hls4ml's ModelGraph to Verilog, simulated, mapped, placed and routed without vendor tools.

The way of a network through this package, one module a step:

========================  ==========================================================================
:mod:`.backend`           hls4ml's backend plug-in ``StreamingRTL``
:mod:`.project`           the whole way for one converted model, of this or the Vitis backend
:mod:`.lower`             ModelGraph to stream graph
:mod:`.graph`             the stream graph: layers, types, integer weights, folding
:mod:`.folding`           lanes, PE and SIMD for a number of cycles; FIFO depths
:mod:`.multipliers`       what each layer multiplies with: blocks, several products a block, LUTs, adders
:mod:`.reference`         the stream graph on integers, with numpy
:mod:`.components`        window generator, matrix-vector unit, pooling, adapters, in Amaranth
:mod:`.units`             a layer's hardware
:mod:`.stitch`            Verilog, one file a layer, and the top with FIFOs and forks
:mod:`.axi`               AXI4-Stream and AXI4-Lite around the top
:mod:`.simulate`          Verilator: cycles, fills, deadlocks, traces
:mod:`.synthesize`        Yosys, layer by layer, kept by content
:mod:`.netlist`           the mapped netlist simulated, each layer alone (:mod:`.layer_simulation`)
:mod:`.place`             nextpnr and ecppack for Lattice ECP5
:mod:`.ulx3s`             a whole board: :mod:`.pll`, :mod:`.uart`, pins, and :mod:`.host` for the other end
:mod:`.vivado`            the AXI block as IP (:mod:`.ipxact`), and Vivado where it is installed
:mod:`.report`            figures in the package's report schema
========================  ==========================================================================

Nothing here is imported with the package: Amaranth and the tools belong to the
extra ``rtl``.
"""
