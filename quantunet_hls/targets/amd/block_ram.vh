// What AMD's block RAMs have in common: two ports on an array of words, for simulation.
//
// Every port that is used has the same width, and both have the same clock: that is how Yosys
// uses them here. What the user guides call undefined (reading a word in the clock in which the
// other port writes it, unless that port is READ_FIRST; UG573, "conflict avoidance") reads as
// the inverse of what is there, so that a design which depends on it is found out.

`ifndef QUANTUNET_BLOCK_RAM
`define QUANTUNET_BLOCK_RAM

`define QH_ROW(name, high) \
    parameter [255:0] name``high``0 = 0, name``high``1 = 0, name``high``2 = 0, name``high``3 = 0, \
        name``high``4 = 0, name``high``5 = 0, name``high``6 = 0, name``high``7 = 0, name``high``8 = 0, \
        name``high``9 = 0, name``high``A = 0, name``high``B = 0, name``high``C = 0, name``high``D = 0, \
        name``high``E = 0, name``high``F = 0;
`define QH_CAT(name, high) \
    name``high``F, name``high``E, name``high``D, name``high``C, name``high``B, name``high``A, name``high``9, \
    name``high``8, name``high``7, name``high``6, name``high``5, name``high``4, name``high``3, name``high``2, \
    name``high``1, name``high``0

`define QH_ROWS_18 `QH_ROW(INIT_, 0) `QH_ROW(INIT_, 1) `QH_ROW(INIT_, 2) `QH_ROW(INIT_, 3) \
    parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0, INITP_04 = 0, INITP_05 = 0, \
        INITP_06 = 0, INITP_07 = 0;
`define QH_INIT_18 {`QH_CAT(INIT_, 3), `QH_CAT(INIT_, 2), `QH_CAT(INIT_, 1), `QH_CAT(INIT_, 0)}
`define QH_INITP_18 {INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00}

`define QH_ROWS_36 `QH_ROW(INIT_, 0) `QH_ROW(INIT_, 1) `QH_ROW(INIT_, 2) `QH_ROW(INIT_, 3) \
    `QH_ROW(INIT_, 4) `QH_ROW(INIT_, 5) `QH_ROW(INIT_, 6) `QH_ROW(INIT_, 7) `QH_ROW(INITP_, 0)
`define QH_INIT_36 {`QH_CAT(INIT_, 7), `QH_CAT(INIT_, 6), `QH_CAT(INIT_, 5), `QH_CAT(INIT_, 4), \
    `QH_CAT(INIT_, 3), `QH_CAT(INIT_, 2), `QH_CAT(INIT_, 1), `QH_CAT(INIT_, 0)}
`define QH_INITP_36 {`QH_CAT(INITP_, 0)}

`define QH_MODES \
    parameter WRITE_MODE_A = "NO_CHANGE", WRITE_MODE_B = "NO_CHANGE"; \
    parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0; \
    parameter DOA_REG = 0, DOB_REG = 0; \
    parameter [35:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0;

// Width of the words: that of every port which is used.
`define QH_WIDTH (READ_WIDTH_A != 0 ? READ_WIDTH_A : READ_WIDTH_B != 0 ? READ_WIDTH_B : \
    WRITE_WIDTH_A != 0 ? WRITE_WIDTH_A : WRITE_WIDTH_B)
`define QH_CHECK(name) initial \
    if ((READ_WIDTH_B != 0 && READ_WIDTH_B != W) || (WRITE_WIDTH_A != 0 && WRITE_WIDTH_A != W) || \
        (WRITE_WIDTH_B != 0 && WRITE_WIDTH_B != W) || DOA_REG != 0 || DOB_REG != 0) \
        $fatal(1, "the model of %s has one width and no output registers", name);

module quantunet_block_ram #(
    parameter DATA = 16384,
    parameter AW = 14,
    parameter W = 18,
    parameter MODE_A = "NO_CHANGE",
    parameter MODE_B = "NO_CHANGE",
    parameter [71:0] RESET_A = 0,
    parameter [71:0] RESET_B = 0,
    parameter [DATA-1:0] INIT = 0,
    parameter [DATA/8-1:0] INITP = 0
) (
    input clk,
    input en_a, input rst_a, input [7:0] we_a, input [AW-1:0] addr_a, input [63:0] di_a, input [7:0] dip_a,
    output [63:0] do_a, output [7:0] dop_a,
    input en_b, input rst_b, input [7:0] we_b, input [AW-1:0] addr_b, input [63:0] di_b, input [7:0] dip_b,
    output [63:0] do_b, output [7:0] dop_b
);
    localparam BYTES = W / 9;
    localparam DW = BYTES == 0 ? W : 8 * BYTES;
    localparam SHIFT = $clog2(DW);
    localparam WORDS = DATA / DW;

    reg [63:0] data [0:WORDS-1];
    reg [7:0] parity [0:WORDS-1];
    reg [63:0] qa, qb;
    reg [7:0] qpa, qpb;
    assign {dop_a, do_a, dop_b, do_b} = {qpa, qa, qpb, qb};

    integer n;
    initial begin
        for (n = 0; n < WORDS; n = n + 1) begin
            data[n] = 64'(INIT[n * DW +: DW]);
            parity[n] = BYTES == 0 ? 8'd0 : 8'(INITP[n * (BYTES == 0 ? 1 : BYTES) +: (BYTES == 0 ? 1 : BYTES)]);
        end
        {qa, qpa, qb, qpb} = 0;
    end

    wire [AW-SHIFT-1:0] at_a = addr_a[AW-1:SHIFT];
    wire [AW-SHIFT-1:0] at_b = addr_b[AW-1:SHIFT];
    wire [7:0] used = BYTES == 0 ? 8'd1 : 8'((9'd1 << BYTES) - 9'd1);
    wire [7:0] write_a = en_a ? we_a & used : 8'd0;
    wire [7:0] write_b = en_b ? we_b & used : 8'd0;
    wire same = at_a == at_b;

    function [63:0] spread(input [7:0] bytes);
        integer b;
        for (b = 0; b < 8; b = b + 1) spread[8 * b +: 8] = {8{bytes[b]}};
    endfunction
    wire [63:0] mask_a = BYTES == 0 ? {64{write_a[0]}} : spread(write_a);
    wire [63:0] mask_b = BYTES == 0 ? {64{write_b[0]}} : spread(write_b);

    wire clash_a = same && write_b != 0 && MODE_B != "READ_FIRST";
    wire clash_b = same && write_a != 0 && MODE_A != "READ_FIRST";
    always @(posedge clk) begin
        if (en_a) begin
            if (rst_a) {qpa, qa} <= RESET_A;
            else if (write_a == 0 || MODE_A == "READ_FIRST")
                {qpa, qa} <= {72{clash_a}} ^ {parity[at_a], data[at_a]};
            else if (MODE_A == "WRITE_FIRST")
                {qpa, qa} <= {(parity[at_a] & ~write_a) | (dip_a & write_a), (data[at_a] & ~mask_a) | (di_a & mask_a)};
        end
        if (en_b) begin
            if (rst_b) {qpb, qb} <= RESET_B;
            else if (write_b == 0 || MODE_B == "READ_FIRST")
                {qpb, qb} <= {72{clash_b}} ^ {parity[at_b], data[at_b]};
            else if (MODE_B == "WRITE_FIRST")
                {qpb, qb} <= {(parity[at_b] & ~write_b) | (dip_b & write_b), (data[at_b] & ~mask_b) | (di_b & mask_b)};
        end
        if (write_a != 0) begin
            data[at_a] <= (data[at_a] & ~mask_a) | (di_a & mask_a);
            parity[at_a] <= (parity[at_a] & ~write_a) | (dip_a & write_a);
        end
        if (write_b != 0) begin
            data[at_b] <= (data[at_b] & ~mask_b) | (di_b & mask_b);
            parity[at_b] <= (parity[at_b] & ~write_b) | (dip_b & write_b);
        end
    end
endmodule

// A wrapper's inside: SDP words of twice a port's width come in and go out on both ports' pins.
`define QH_CORE(bits, address, half, init, initp, doa, dopa, dob, dopb, dia, dipa, dib, dipb) \
    localparam W = `QH_WIDTH; \
    localparam WIDE = W > 9 * half / 8; \
    wire [63:0] qa, qb; \
    wire [7:0] qpa, qpb; \
    assign doa = qa[half-1:0]; \
    assign dopa = qpa[half/8-1:0]; \
    assign dob = WIDE ? qa[2*half-1:half] : qb[half-1:0]; \
    assign dopb = WIDE ? qpa[half/4-1:half/8] : qpb[half/8-1:0]; \
    quantunet_block_ram #( \
        .DATA(bits), .AW(address), .W(W), .MODE_A(WRITE_MODE_A), .MODE_B(WRITE_MODE_B), \
        .RESET_A(WIDE ? {{8-half/4{1'b0}}, SRVAL_B[half*9/8-1:half], SRVAL_A[half*9/8-1:half], \
                         {64-2*half{1'b0}}, SRVAL_B[half-1:0], SRVAL_A[half-1:0]} \
                      : {{8-half/8{1'b0}}, SRVAL_A[half*9/8-1:half], {64-half{1'b0}}, SRVAL_A[half-1:0]}), \
        .RESET_B({{8-half/8{1'b0}}, SRVAL_B[half*9/8-1:half], {64-half{1'b0}}, SRVAL_B[half-1:0]}), \
        .INIT(init), .INITP(initp) \
    ) core ( \
        .clk(CLKARDCLK | CLKBWRCLK), \
        .en_a(ENARDEN), .rst_a(RSTRAMARSTRAM), .we_a(WIDE ? 8'd0 : 8'(WEA)), .addr_a(ADDRARDADDR[address-1:0]), \
        .di_a(64'(dia)), .dip_a(8'(dipa)), .do_a(qa), .dop_a(qpa), \
        .en_b(ENBWREN), .rst_b(RSTRAMB), .we_b(8'(WEBWE)), .addr_b(ADDRBWRADDR[address-1:0]), \
        .di_b(WIDE ? 64'({dib, dia}) : 64'(dib)), .dip_b(WIDE ? 8'({dipb, dipa}) : 8'(dipb)), \
        .do_b(qb), .dop_b(qpb) \
    );

`endif
