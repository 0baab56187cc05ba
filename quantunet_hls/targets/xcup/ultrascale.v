// Simulation models of UltraScale and UltraScale+ cells that come without any in Yosys, as far as
// the netlists of this package use them. From AMD's user guides UG573 (memory) and UG579 (DSP48E2).

`include "block_ram.vh"

module RAMB18E2 (
    output [15:0] DOUTADOUT, DOUTBDOUT, output [1:0] DOUTPADOUTP, DOUTPBDOUTP,
    input [15:0] DINADIN, DINBDIN, input [1:0] DINPADINP, DINPBDINP,
    input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB, ADDRENA, ADDRENB,
    input RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB, input [1:0] WEA, input [3:0] WEBWE,
    input [13:0] ADDRARDADDR, ADDRBWRADDR, input SLEEP
);
    `QH_MODES
    `QH_ROWS_18
    `QH_CHECK("RAMB18E2")
    `QH_CORE(16384, 14, 16, `QH_INIT_18, `QH_INITP_18, DOUTADOUT, DOUTPADOUTP, DOUTBDOUT, DOUTPBDOUTP,
             DINADIN, DINPADINP, DINBDIN, DINPBDINP)
endmodule

module RAMB36E2 (
    output [31:0] DOUTADOUT, DOUTBDOUT, output [3:0] DOUTPADOUTP, DOUTPBDOUTP,
    input [31:0] DINADIN, DINBDIN, input [3:0] DINPADINP, DINPBDINP,
    input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB, ADDRENA, ADDRENB,
    input RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB, input [3:0] WEA, input [7:0] WEBWE,
    input [14:0] ADDRARDADDR, ADDRBWRADDR, input SLEEP
);
    `QH_MODES
    `QH_ROWS_36
    `QH_CHECK("RAMB36E2")
    `QH_CORE(32768, 15, 32, `QH_INIT_36, `QH_INITP_36, DOUTADOUT, DOUTPADOUTP, DOUTBDOUT, DOUTPBDOUTP,
             DINADIN, DINPADINP, DINBDIN, DINPBDINP)
endmodule

// 4,096 words of 72 bits, empty at the start; port A's access comes before port B's in a clock. A reset
// clears a port's output: with the clock, or, where its RST_MODE is ASYNC, at once and as long as it lasts (UG573).
module URAM288 (
    input [22:0] ADDR_A, ADDR_B, input [8:0] BWE_A, BWE_B, input EN_A, EN_B, RDB_WR_A, RDB_WR_B,
    input INJECT_DBITERR_A, INJECT_SBITERR_A, INJECT_DBITERR_B, INJECT_SBITERR_B, RST_A, RST_B,
    input [71:0] DIN_A, DIN_B, output reg [71:0] DOUT_A, DOUT_B, input CLK, SLEEP
);
    parameter BWE_MODE_A = "PARITY_INTERLEAVED", BWE_MODE_B = "PARITY_INTERLEAVED";
    parameter EN_AUTO_SLEEP_MODE = "FALSE", IREG_PRE_A = "FALSE", IREG_PRE_B = "FALSE";
    parameter OREG_A = "FALSE", OREG_B = "FALSE", RST_MODE_A = "SYNC", RST_MODE_B = "SYNC";
    parameter [0:0] IS_CLK_INVERTED = 0;

    initial if (IREG_PRE_A != "FALSE" || IREG_PRE_B != "FALSE" || OREG_A != "FALSE" || OREG_B != "FALSE"
                || IS_CLK_INVERTED || (RST_MODE_A != "SYNC" && RST_MODE_A != "ASYNC")
                || (RST_MODE_B != "SYNC" && RST_MODE_B != "ASYNC"))
        $fatal(1, "the model of URAM288 has no optional registers, no inverted clock, and the resets SYNC and ASYNC");

    function [71:0] spread(input [8:0] bytes, input independent);
        integer b;
        for (b = 0; b < 8; b = b + 1) begin
            spread[8 * b +: 8] = {8{bytes[b]}};
            spread[64 + b] = independent ? bytes[8] : bytes[b];
        end
    endfunction
    wire [71:0] mask_a = spread(BWE_A, BWE_MODE_A == "PARITY_INDEPENDENT");
    wire [71:0] mask_b = spread(BWE_B, BWE_MODE_B == "PARITY_INDEPENDENT");

    reg [71:0] words [0:4095];
    integer n;
    initial begin
        for (n = 0; n < 4096; n = n + 1) words[n] = 0;
        {DOUT_A, DOUT_B} = 0;
    end
    wire after_a = EN_A && RDB_WR_A && ADDR_A[11:0] == ADDR_B[11:0];
    wire [71:0] new_a = (words[ADDR_A[11:0]] & ~mask_a) | (DIN_A & mask_a);
    wire [71:0] seen_b = after_a ? new_a : words[ADDR_B[11:0]];
    always @(posedge CLK) begin
        if (EN_A && RDB_WR_A) words[ADDR_A[11:0]] <= new_a;
        if (EN_B && RDB_WR_B) words[ADDR_B[11:0]] <= (seen_b & ~mask_b) | (DIN_B & mask_b);
    end
    wire at_once_a = RST_MODE_A == "ASYNC" && RST_A;
    wire at_once_b = RST_MODE_B == "ASYNC" && RST_B;
    always @(posedge CLK or posedge at_once_a) begin
        if (at_once_a) DOUT_A <= 0;
        else if (RST_A) DOUT_A <= 0;
        else if (EN_A && !RDB_WR_A) DOUT_A <= words[ADDR_A[11:0]];
    end
    always @(posedge CLK or posedge at_once_b) begin
        if (at_once_b) DOUT_B <= 0;
        else if (RST_B) DOUT_B <= 0;
        else if (EN_B && !RDB_WR_B) DOUT_B <= seen_b;
    end
endmodule

// The multiplier alone: no register, pre-adder or cascade (OPMODE X = Y = M).
module DSP48E2 (
    input [29:0] A, input [17:0] B, input [47:0] C, input [26:0] D, output [47:0] P,
    input [4:0] INMODE, input [3:0] ALUMODE, input [8:0] OPMODE, input [2:0] CARRYINSEL,
    input [29:0] ACIN, input [17:0] BCIN, input [47:0] PCIN, input CARRYIN
);
    parameter ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1, CARRYINREG = 1;
    parameter CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1, MREG = 1, OPMODEREG = 1, PREG = 1;
    parameter A_INPUT = "DIRECT", B_INPUT = "DIRECT", AMULTSEL = "A", BMULTSEL = "B";
    parameter USE_MULT = "MULTIPLY", USE_SIMD = "ONE48";

    initial if (AREG != 0 || BREG != 0 || MREG != 0 || PREG != 0 || A_INPUT != "DIRECT" || B_INPUT != "DIRECT"
                || AMULTSEL != "A" || BMULTSEL != "B" || USE_MULT != "MULTIPLY" || USE_SIMD != "ONE48")
        $fatal(1, "the model of DSP48E2 is of the multiplier alone");
    always @(*) if (OPMODE != 9'b000000101 || ALUMODE != 0 || INMODE != 0)
        $fatal(1, "the model of DSP48E2 is of the multiplier alone");

    wire signed [26:0] a = A[26:0];
    wire signed [17:0] b = B;
    wire signed [44:0] product = a * b;
    assign P = 48'(product);
endmodule
