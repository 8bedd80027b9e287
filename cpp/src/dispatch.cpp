namespace fieldfare {}
