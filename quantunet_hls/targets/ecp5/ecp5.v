// Simulation models of ECP5 cells for which Yosys has only black boxes, as far as the netlists of
// this package use them. From Lattice's FPGA-TN-02204 (memory), FPGA-TN-02205 (sysDSP) and
// FPGA-TN-02200 (sysCLOCK).

// 1,024 rows of 18 bits; a port of 9 bits reads half a row, one of 36 two rows; ports of 1, 2 and 4
// bits leave out each ninth bit. Both ports have the same clock. Reading what the other port writes
// in the same clock gives the inverse of what is there: it is not to be relied on.
`define QH_PINS(d, n) {d``n``17, d``n``16, d``n``15, d``n``14, d``n``13, d``n``12, d``n``11, d``n``10, d``n``9, \
    d``n``8, d``n``7, d``n``6, d``n``5, d``n``4, d``n``3, d``n``2, d``n``1, d``n``0}
`define QH_ADDRESS(n) {AD``n``13, AD``n``12, AD``n``11, AD``n``10, AD``n``9, AD``n``8, AD``n``7, AD``n``6, \
    AD``n``5, AD``n``4, AD``n``3, AD``n``2, AD``n``1, AD``n``0}
`define QH_INITVAL(high) \
    parameter [319:0] INITVAL_``high``0 = 0, INITVAL_``high``1 = 0, INITVAL_``high``2 = 0, INITVAL_``high``3 = 0, \
        INITVAL_``high``4 = 0, INITVAL_``high``5 = 0, INITVAL_``high``6 = 0, INITVAL_``high``7 = 0, \
        INITVAL_``high``8 = 0, INITVAL_``high``9 = 0, INITVAL_``high``A = 0, INITVAL_``high``B = 0, \
        INITVAL_``high``C = 0, INITVAL_``high``D = 0, INITVAL_``high``E = 0, INITVAL_``high``F = 0;
`define QH_INITVALS(high) INITVAL_``high``F, INITVAL_``high``E, INITVAL_``high``D, INITVAL_``high``C, \
    INITVAL_``high``B, INITVAL_``high``A, INITVAL_``high``9, INITVAL_``high``8, INITVAL_``high``7, \
    INITVAL_``high``6, INITVAL_``high``5, INITVAL_``high``4, INITVAL_``high``3, INITVAL_``high``2, \
    INITVAL_``high``1, INITVAL_``high``0

module DP16KD (
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2,
    input DIA1, DIA0, ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
    output DOA1, DOA0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2,
    input DIB1, DIB0, ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
    output DOB1, DOB0
);
    parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18, REGMODE_A = "NOREG", REGMODE_B = "NOREG";
    parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC", CSDECODE_A = "0b000", CSDECODE_B = "0b000";
    parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL", CLKAMUX = "CLKA", CLKBMUX = "CLKB", GSR = "ENABLED";
    `QH_INITVAL(0) `QH_INITVAL(1) `QH_INITVAL(2) `QH_INITVAL(3)
    localparam [64*320-1:0] INIT = {`QH_INITVALS(3), `QH_INITVALS(2), `QH_INITVALS(1), `QH_INITVALS(0)};

    initial if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB"
                || CSDECODE_A != "0b000" || CSDECODE_B != "0b000")
        $fatal(1, "the model of DP16KD has no output registers, inverted clocks or chip selects");
    always @(*) if (RESETMODE != "SYNC" && (RSTA || RSTB))
        $fatal(1, "the model of DP16KD has no asynchronous reset");

    reg [17:0] rows [0:1023];
    reg [35:0] qa, qb;
    integer n;
    initial begin
        for (n = 0; n < 1024; n = n + 1) rows[n] = INIT[n * 20 +: 18];
        {qa, qb} = 0;
    end

    wire [13:0] at_a = `QH_ADDRESS(A);
    wire [13:0] at_b = `QH_ADDRESS(B);
    // In 36 bits the two ports' data pins are one word, which port A writes and port B reads.
    wire [35:0] di_a = {`QH_PINS(DI, B), `QH_PINS(DI, A)};
    wire [35:0] di_b = {18'd0, `QH_PINS(DI, B)};
    assign `QH_PINS(DO, A) = DATA_WIDTH_B == 36 ? qb[17:0] : qa[17:0];
    assign `QH_PINS(DO, B) = DATA_WIDTH_B == 36 ? qb[35:18] : qb[17:0];

    // Where a port's word starts among the 36 bits of a pair of rows, and which of them it writes.
    function [5:0] start(input [13:0] at, input integer width);
        start = width == 36 ? 6'd0 : width == 18 ? (at[4] ? 6'd18 : 6'd0)
            : (at[4] ? 6'd18 : 6'd0) + (at[3] ? 6'd9 : 6'd0)
              + (width == 9 ? 6'd0 : width == 4 ? {3'd0, at[2], 2'd0} : width == 2 ? {3'd0, at[2:1], 1'd0}
                 : {3'd0, at[2:0]});
    endfunction
    function [35:0] written(input [13:0] at, input integer width);
        written = width == 36 ? {{9{at[3]}}, {9{at[2]}}, {9{at[1]}}, {9{at[0]}}}
            : width == 18 ? {18'd0, {9{at[1]}}, {9{at[0]}}} : 36'((37'd1 << width) - 37'd1);
    endfunction
    wire [35:0] pair_a = {rows[{at_a[13:5], 1'b1}], rows[{at_a[13:5], 1'b0}]};
    wire [35:0] pair_b = {rows[{at_b[13:5], 1'b1}], rows[{at_b[13:5], 1'b0}]};
    wire [35:0] mask_a = written(at_a, DATA_WIDTH_A) << start(at_a, DATA_WIDTH_A);
    wire [35:0] mask_b = written(at_b, DATA_WIDTH_B) << start(at_b, DATA_WIDTH_B);
    wire [35:0] next_a = (pair_a & ~mask_a) | ((di_a << start(at_a, DATA_WIDTH_A)) & mask_a);
    wire [35:0] next_b = (pair_b & ~mask_b) | ((di_b << start(at_b, DATA_WIDTH_B)) & mask_b);
    wire write_a = CEA && WEA && {CSA2, CSA1, CSA0} == 0;
    wire write_b = CEB && WEB && {CSB2, CSB1, CSB0} == 0;
    wire same = at_a[13:5] == at_b[13:5];
    wire [35:0] seen_a = pair_a ^ (same && write_b ? mask_b : 36'd0);
    wire [35:0] seen_b = pair_b ^ (same && write_a ? mask_a : 36'd0);

    always @(posedge (CLKA | CLKB)) begin
        if (write_a) {rows[{at_a[13:5], 1'b1}], rows[{at_a[13:5], 1'b0}]} <= next_a;
        if (write_b) {rows[{at_b[13:5], 1'b1}], rows[{at_b[13:5], 1'b0}]} <= next_b;
        if (RSTA) qa <= 0;
        else if (CEA) begin
            if (!write_a || WRITEMODE_A == "READBEFOREWRITE") qa <= seen_a >> start(at_a, DATA_WIDTH_A);
            else if (WRITEMODE_A == "WRITETHROUGH") qa <= next_a >> start(at_a, DATA_WIDTH_A);
        end
        if (RSTB) qb <= 0;
        else if (CEB) begin
            if (!write_b || WRITEMODE_B == "READBEFOREWRITE") qb <= seen_b >> start(at_b, DATA_WIDTH_B);
            else if (WRITEMODE_B == "WRITETHROUGH") qb <= next_b >> start(at_b, DATA_WIDTH_B);
        end
    end
endmodule

// The product alone, without its registers.
module MULT18X18D (
    input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
    output P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
    wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
    wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
    wire signed [18:0] wide_a = {SIGNEDA & a[17], a};
    wire signed [18:0] wide_b = {SIGNEDB & b[17], b};
    wire signed [37:0] product = wide_a * wide_b;
    assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
            P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = product[35:0];
endmodule

// Gives the input clock on, whatever the dividers: the simulation counts clocks, not seconds.
module EHXPLLL (
    input CLKI, CLKFB, PHASESEL1, PHASESEL0, PHASEDIR, PHASESTEP, PHASELOADREG, STDBY, PLLWAKESYNC, RST,
    input ENCLKOP, ENCLKOS, ENCLKOS2, ENCLKOS3, output CLKOP, CLKOS, CLKOS2, CLKOS3, LOCK, CLKINTFB
);
    parameter CLKI_DIV = 1, CLKFB_DIV = 1, CLKOP_DIV = 8, CLKOP_CPHASE = 0, CLKOP_FPHASE = 0;
    parameter CLKOP_ENABLE = "ENABLED", CLKOS_ENABLE = "DISABLED", CLKOS2_ENABLE = "DISABLED";
    parameter CLKOS3_ENABLE = "DISABLED", FEEDBK_PATH = "CLKOP", PLLRST_ENA = "DISABLED", INTFB_WAKE = "DISABLED";
    parameter STDBY_ENABLE = "DISABLED", DPHASE_SOURCE = "DISABLED", OUTDIVIDER_MUXA = "DIVA";
    parameter OUTDIVIDER_MUXB = "DIVB", OUTDIVIDER_MUXC = "DIVC", OUTDIVIDER_MUXD = "DIVD";
    reg [2:0] lock = 0;
    always @(posedge CLKI) if (!lock[2]) lock <= lock + 1;
    assign CLKOP = CLKI;
    assign {CLKOS, CLKOS2, CLKOS3, CLKINTFB} = 0;
    assign LOCK = lock[2];
endmodule
