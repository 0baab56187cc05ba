// Simulation models of the 7-series block RAMs, for which Yosys has only black boxes, as far as the
// netlists of this package use them. From AMD's user guide UG473.

`include "block_ram.vh"

module RAMB18E1 (
    output [15:0] DOADO, DOBDO, output [1:0] DOPADOP, DOPBDOP,
    input [15:0] DIADI, DIBDI, input [1:0] DIPADIP, DIPBDIP,
    input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
    input RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB, input [1:0] WEA, input [3:0] WEBWE,
    input [13:0] ADDRARDADDR, ADDRBWRADDR
);
    parameter RAM_MODE = "TDP";
    `QH_MODES
    `QH_ROWS_18
    `QH_CHECK("RAMB18E1")
    `QH_CORE(16384, 14, 16, `QH_INIT_18, `QH_INITP_18, DOADO, DOPADOP, DOBDO, DOPBDOP, DIADI, DIPADIP, DIBDI, DIPBDIP)
endmodule

module RAMB36E1 (
    output [31:0] DOADO, DOBDO, output [3:0] DOPADOP, DOPBDOP,
    input [31:0] DIADI, DIBDI, input [3:0] DIPADIP, DIPBDIP,
    input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
    input RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB, input [3:0] WEA, input [7:0] WEBWE,
    input [15:0] ADDRARDADDR, ADDRBWRADDR
);
    parameter RAM_MODE = "TDP", RAM_EXTENSION_A = "NONE", RAM_EXTENSION_B = "NONE";
    `QH_MODES
    `QH_ROWS_36
    `QH_CHECK("RAMB36E1")
    initial if (RAM_EXTENSION_A != "NONE" || RAM_EXTENSION_B != "NONE")
        $fatal(1, "the model of RAMB36E1 has no cascade");
    `QH_CORE(32768, 15, 32, `QH_INIT_36, `QH_INITP_36, DOADO, DOPADOP, DOBDO, DOPBDOP, DIADI, DIPADIP, DIBDI, DIPBDIP)
endmodule
